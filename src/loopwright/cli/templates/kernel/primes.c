#include "primes.h"

/* EVOLVE-BLOCK-START */
/* How many prime numbers are smaller than n. */
long count_primes(long n)
{
    long count = 0;
    for (long candidate = 2; candidate < n; candidate++) {
        int prime = 1;
        for (long divisor = 2; divisor * divisor <= candidate; divisor++) {
            if (candidate % divisor == 0) {
                prime = 0;
                break;
            }
        }
        count += prime;
    }
    return count;
}
/* EVOLVE-BLOCK-END */
