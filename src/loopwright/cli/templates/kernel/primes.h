#include <stdlib.h>
#include <string.h>

long count_primes(long n);
