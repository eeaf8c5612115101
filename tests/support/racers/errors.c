/* errors: execs of every kind of thing that cannot be run, and of odd things that can. Prints a
 * line for each: its name, then the name of the error or what ./landed printed.
 * Made by the caller: ./landed; ./elf-folder and ./elf-missing, whose loader is a folder, or missing;
 * ./elf-nowhere, which cannot be mapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const plain[] = {"landed", "word", NULL};

static void put(const char *name, const char *text, int mode) {
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, text, strlen(text)) < 0 || fchmod(file, (mode_t)mode) < 0) {
        perror(name);
        exit(1);
    }
    close(file);
}

static void make_files(void) {
    char text[600], name[16];
    put("plain", "#!/bin/sh\n", 0644);
    put("empty", "", 0755);
    put("text", "echo no first line\n", 0755);
    put("broken", "\177ELF\2\1\1", 0755);
    put("no-interpreter", "#!/no/such\n", 0755);
    put("folder-interpreter", "#!/usr\n", 0755);
    put("blank-interpreter", "#!\n", 0755);
    put("dos", "#!/bin/sh\r\necho\r\n", 0755);
    put("busy", "#!/bin/sh\n", 0755);
    memset(text, 'x', sizeof text);
    memcpy(text, "#!/", 3);
    text[sizeof text - 1] = 0;
    put("long-line", text, 0755);
    for (int i = 1; i <= 7; i++) {
        snprintf(name, sizeof name, "chain%d", i);
        snprintf(text, sizeof text, i == 7 ? "#!/usr/bin/true\n" : "#!./chain%d\n", i + 1);
        put(name, text, 0755);
    }
    if (symlink("loop", "loop") || symlink("landed", "link") || symlink("landed", "\xff\xfe")
        || mkfifo("fifo", 0755))
        perror("files");
}

/* path with blanks before its last part: ./././…landed of exactly this length. */
static char *stretch(size_t length) {
    static const char last[] = "landed";
    char *path = malloc(length + 2), *at = path;
    size_t left = length - (sizeof last - 1);
    if (left % 2) {
        strcpy(at, ".//");
        at += 3, left -= 3;
    }
    for (; left >= 2; left -= 2, at += 2)
        memcpy(at, "./", 2);
    strcpy(at, last);
    return path;
}

/* So many words of one length. */
static char **repeat(size_t count, size_t length) {
    char **words = calloc(count + 1, sizeof *words), *one = malloc(length + 1);
    memset(one, 'x', length);
    one[length] = 0;
    for (size_t i = 0; i < count; i++)
        words[i] = one;
    return words;
}

/* A quarter of the stack is what words and environment may fill together, and never above 6 MB. */
static void let_stack(rlim_t megabytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = megabytes << 20;
    setrlimit(RLIMIT_STACK, &limit);
}

static void at(int folder, const char *path, int flags) {
    syscall(SYS_execveat, folder, path, plain, environ, flags);
}

static void run(const char *path) { execve(path, plain, environ); }

static void script_in_memory(void) {
    int file = memfd_create("script", MFD_CLOEXEC);
    if (write(file, "#!/bin/sh\n", 10) == 10)
        at(file, "", AT_EMPTY_PATH); /* sh would open /dev/fd/N, which is closed by then */
}

static void by_vfork(void) {
    int status;
    volatile int error = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        run("missing");
        error = errno; /* the parent's memory */
        _exit(1);
    }
    waitpid(pid, &status, 0);
    errno = error;
}

static void many_failures(void) {
    for (int i = 0; i < 100; i++) {
        run("missing");
        run("text");
        run("/usr");
    }
    run("./landed");
}

/* With a component or a whole path of x. */
static void long_name(size_t length) { run(repeat(1, length)[0]); }

static char *const odd[] = {"\xff\xfe", "\xc3(", "two\nlines", "", NULL};
static char *const wild[] = {(char *)1, NULL};
/* Volatile: gcc would warn of them, and may reckon with them. */
static void *volatile nowhere = (void *)1, *volatile null = NULL;
static char *const none[] = {NULL};

/* A name, and what is done under it in a process of its own; errno tells how it failed. */
#define CASES(X)                                                                                   \
    X(missing, run("missing"))                                                                     \
    X(no_path, run(""))                                                                            \
    X(no_interpreter, run("./no-interpreter"))                                                     \
    X(no_loader, run("./elf-missing"))                                                             \
    X(carriage_return, run("./dos"))                                                               \
    X(below_a_file, run("./plain/x"))                                                              \
    X(slash_after_a_file, run("./landed/"))                                                        \
    X(not_executable, run("./plain"))                                                              \
    X(folder, run("/usr"))                                                                         \
    X(folder_as_interpreter, run("./folder-interpreter"))                                          \
    X(folder_as_loader, run("./elf-folder"))                                                       \
    X(fifo, run("./fifo"))                                                                         \
    X(device, run("/dev/null"))                                                                    \
    X(empty, run("./empty"))                                                                       \
    X(no_first_line, run("./text"))                                                                \
    X(broken_elf, run("./broken"))                                                                 \
    X(blank_interpreter, run("./blank-interpreter"))                                               \
    X(long_first_line, run("./long-line"))                                                         \
    X(busy, open("busy", O_WRONLY); run("./busy"))                                                 \
    X(link_loop, run("./loop"))                                                                    \
    X(chain_of_seven, run("./chain1"))                                                             \
    X(chain_of_five, run("./chain3"))                                                              \
    X(long_component, long_name(256))                                                              \
    X(long_path, run(stretch(4096)))                                                               \
    X(longest_path, run(stretch(4095)))                                                            \
    X(very_long_path, run(stretch(100000)))                                                        \
    X(path_nowhere, execve(nowhere, plain, environ))                                             \
    X(words_nowhere, execve("./landed", nowhere, environ))                                      \
    X(word_nowhere, execve("./landed", wild, environ))                                             \
    X(environment_nowhere, execve("./landed", plain, nowhere))                                  \
    X(no_words, execve("./landed", null, environ))                                                 \
    X(zero_words, execve("./landed", none, environ))                                               \
    X(no_environment, execve("./landed", plain, null))                                             \
    X(invalid_utf8, execve("./landed", odd, odd))                                                  \
    X(invalid_utf8_path, run("./\xff\xfe"))                                                        \
    X(invalid_utf8_missing, run("./\xfe"))                                                         \
    X(long_word, execve("./landed", repeat(1, 128 * 1024 - 1), environ))                           \
    X(too_long_word, execve("./landed", repeat(1, 128 * 1024), environ))                           \
    X(many_words, let_stack(64); execve("./landed", repeat(100000, 3), environ))                   \
    X(two_megabytes, let_stack(64); execve("./landed", repeat(32, 65535), environ))                \
    X(too_much, let_stack(8); execve("./landed", repeat(32, 65535), environ))                      \
    X(far_too_much, let_stack(64); execve("./landed", repeat(128, 65535), environ))                \
    X(bad_descriptor, at(999, "landed", 0))                                                        \
    X(bad_flags, at(AT_FDCWD, "landed", 1))                                                        \
    X(no_path_at, at(AT_FDCWD, "", 0))                                                             \
    X(link_not_followed, at(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW))                                \
    X(link_followed, at(AT_FDCWD, "link", 0))                                                      \
    X(descriptor_of_a_file, at(open("landed", O_PATH), "", AT_EMPTY_PATH))                         \
    X(descriptor_of_a_folder, at(open(".", O_PATH), "landed", 0))                                  \
    X(below_a_descriptor_of_a_file, at(open("plain", O_RDONLY), "landed", 0))                      \
    X(the_folder_itself, at(AT_FDCWD, "", AT_EMPTY_PATH))                                          \
    X(script_in_memory, script_in_memory())                                                        \
    X(segments_nowhere, run("./elf-nowhere"))                                                      \
    X(vfork, by_vfork())                                                                           \
    X(after_many_failures, many_failures())

#define FUNCTION(name, ...)                                                                        \
    static void try_##name(void) { __VA_ARGS__; }
CASES(FUNCTION)

#define ROW(name, ...) {#name, try_##name},
static const struct {
    const char *name;
    void (*try)(void);
} cases[] = {CASES(ROW)};

int main(void) {
    make_files();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status;
        printf("%s ", cases[i].name);
        fflush(stdout);
        if (fork() == 0) {
            errno = 0;
            cases[i].try();
            printf("%s\n", errno ? strerrorname_np(errno) : "none");
            fflush(stdout);
            _exit(0);
        }
        wait(&status);
        if (WIFSIGNALED(status))
            printf("killed by %d\n", WTERMSIG(status));
        else if (strcmp(cases[i].name, "chain_of_five") == 0)
            printf("status %d\n", WEXITSTATUS(status)); /* what it lands at prints nothing */
    }
    return 0;
}
