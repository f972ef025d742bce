// The same lines by a C++ compiler, whose names are decoded.
#include "cell.c"
