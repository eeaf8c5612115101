/* A program without a library. Linked to an address that no process has, the kernel finds out when
 * the old image is gone already: the exec does not fail, it kills. */
void _start(void) {
    for (;;)
        ;
}
