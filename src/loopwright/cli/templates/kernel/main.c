#include <stdio.h>

#include "primes.h"

/* Reads n, prints how many primes are smaller. This file is frozen: the loop cannot change it. */
int main(void)
{
    long n;
    if (scanf("%ld", &n) != 1)
        return 2;
    printf("%ld\n", count_primes(n));
    return 0;
}
