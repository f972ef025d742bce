/* How likely it is that something was missed. */
#ifndef SCAN_RISK_H
#define SCAN_RISK_H

/* The upper bound (95 %, one-sided, a little generous) of a probability of which x of n
 * were seen; 1 where n is 0. */
double risk_upper(double x, double n);
double risk_power(double base, unsigned exponent);

#endif
