// The public types as the library itself sees them: with its functions marked for export. Files
// that define functions include the public header that declares them besides; generated ones then
// need not be compiled again for a change of another header.
#pragma once

#ifndef MINITORCH_BUILD
#define MINITORCH_BUILD 1
#endif
#include "minitorch/types.h"
