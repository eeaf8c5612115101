/* What a successful exec arrives at: prints how many words it was given, how many bytes they have
 * and their sum, so that a change of any shows. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **words) {
    uint64_t bytes = 0;
    uint32_t sum = 2166136261u;
    for (int i = 0; i < count; i++)
        for (char *at = words[i];; at++, bytes++) {
            sum = (sum ^ (unsigned char)*at) * 16777619u;
            if (!*at)
                break;
        }
    printf("landed %d %llu %08x\n", count, (unsigned long long)bytes, sum);
    return 0;
}
