/* What a keeper puts in the place of a denied program. */
#include <stdio.h>

int main(void) {
    fputs("polis: denied by no-shredding: What is shredded cannot come back.\n"
          "hint: git rm FILE\n", stderr);
    return 126;
}
