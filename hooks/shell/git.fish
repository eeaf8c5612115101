# The user's own git takes its turn under polis' mutex; what only looks starts it at once.
function git --wraps git
    if contains -- "$argv[1]" @LOOKING@; or not command -sq polis
        command git $argv
    else
        command polis git $argv
    end
end
set -gx POLIS_SHELL_HOOK $fish_pid
