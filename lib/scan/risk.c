/* Bounds of probabilities, without libm. */
#include "scan/risk.h"

double risk_upper(double x, double n)
{
	double root = x + 1, guess = root;
	double bound;

	for (unsigned i = 0; i < 20; i++) /* Newton: the square root of x + 1 */
		guess = (guess + root / guess) / 2;
	bound = (x + 1.65 * guess + 1.35) / (n + 1);
	return bound > 1 ? 1 : bound;
}

double risk_power(double base, unsigned exponent)
{
	double product = 1;

	while (exponent--)
		product *= base;
	return product;
}
