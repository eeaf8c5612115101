# The user's own git takes its turn under polis' mutex; what only looks starts it at once.
git() {
    case ${1-} in
        @LOOKING@) command git "$@" ;;
        *) if command -v polis >/dev/null 2>&1; then command polis git "$@"; else command git "$@"; fi ;;
    esac
}
export POLIS_SHELL_HOOK=$$
