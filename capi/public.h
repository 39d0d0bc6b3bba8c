// The public headers as the library itself sees them: with its functions marked for export.
#pragma once

#ifndef MINITORCH_BUILD
#define MINITORCH_BUILD 1
#endif
#include "minitorch/minitorch.h"
