// Which of the processor's vector instruction sets the kernels use: the best that it has, or less
// when the environment variable MINITORCH_CPU_CAPABILITY says so.
#pragma once

namespace mt {

// The name of the set in use, as Highway names it but in small letters ("avx2", "neon", ...);
// "default" for the one that every processor of the architecture has.
const char* cpu_capability();

}  // namespace mt
