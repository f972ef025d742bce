/* What the shared library shows: everything else is hidden. */
#ifndef SONDE_EXPORT_H
#define SONDE_EXPORT_H

#define SONDE_API __attribute__((visibility("default")))

#endif
