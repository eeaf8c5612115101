"""polisd's own git inside an agent's walls, on a git directory whose settings are the agent's.

What it starts is polis', and judged by no rule; so it starts nothing that the agent has chosen: no
hook, no monitor, no filter, no helper of a remote but polis' own. git-lfs is what it is by its
place and its usual words, and has no extension; else its files are taken as they lie. So it works
with what is there now; what comes into the settings later, the keeper refuses
(cash/keeper/own_work.py).
"""

from __future__ import annotations

from typing import Final

# Settings in the environment win over those in files (git-config(1), GIT_CONFIG_COUNT).
NEUTRAL: Final = r"""
set_config() {
    export "GIT_CONFIG_KEY_$count=$1" "GIT_CONFIG_VALUE_$count=$2"
    count=$((count + 1))
}
newline='
'
be_neutral() {
    export GIT_ALLOW_PROTOCOL=polis
    count=${GIT_CONFIG_COUNT:-0}
    set_config core.hooksPath /dev/null
    set_config core.fsmonitor false
    set_config core.alternateRefsCommand true
    set_config fetch.recurseSubmodules false
    set_config submodule.recurse false
    lfs=$(command -v git-lfs) || lfs=
    case $lfs in /usr/bin/git-lfs | /usr/local/bin/git-lfs) ;; *) lfs= ;; esac
    keys=$(git config --name-only --get-regexp \
        '^(lfs\.extension\.|filter\..*\.(clean|smudge|process|required)$)')
    case $newline$keys in *"${newline}lfs.extension."*) lfs= ;; esac
    while IFS= read -r key; do
        case $key in
            "" | lfs.extension.*) continue ;;
            *.required) set_config "$key" false ;;
            filter.lfs.clean) set_config "$key" "${lfs:+$lfs clean -- %f}" ;;
            filter.lfs.smudge) set_config "$key" "${lfs:+$lfs smudge -- %f}" ;;
            filter.lfs.process) set_config "$key" "${lfs:+$lfs filter-process}" ;;
            *) set_config "$key" "" ;;
        esac
    done <<KEYS
$keys
KEYS
    export GIT_CONFIG_COUNT=$count
}
be_neutral
"""
