#!/bin/sh
# akosha-hook.sh EVENT [git's own arguments]
# Leaves an event for the worker and starts one that nobody waits for. Prints nothing but the
# notice at session start, and exits 0 whatever happens: a commit or a session is never held up.
# Whoever called waits for builtins and one fork; every program a commit needs runs after that.

# bash takes options from an exported SHELLOPTS.
{ set +Cefux; } 2>/dev/null

newline='
'

main() {
  event=$1 terminated=
  case $event in
    post-commit | post-merge) in_rebase && return ;;
    post-rewrite) case $2 in amend) return ;; esac ;;
    session-start | session-end) ;;
    *) return ;;
  esac

  directory=$PWD
  case $directory in *"$newline"*) directory= ;; esac
  find_state || { cd / && drain; return; }
  outbox=$state/outbox
  # The working directory is somebody else's: nothing may be found there, nor keep it busy.
  cd /

  umask 077
  case $event in session-start) greet || return ;; esac
  [ -d "$outbox" ] || mkdir -p "$outbox"
  temporary=$outbox/.$$-$event.tmp
  write_event || { drain; return; }
  (hand_off) </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
}

# git runs post-commit for every commit it replays, and post-rewrite once at the end.
in_rebase() {
  git_dir=${GIT_DIR:-.git}
  if [ -f "$git_dir" ]; then
    IFS= read -r git_dir <"$git_dir"
    git_dir=${git_dir#gitdir: }
  fi
  [ -d "$git_dir/rebase-merge" ] || [ -d "$git_dir/rebase-apply" ]
}

# The installed copy belongs to the directory it lies in; any other asks the environment.
find_state() {
  case $script in
    */akosha/bin/akosha-hook.sh) state=${script%/bin/akosha-hook.sh} ;;
    *)
      state=${CLAUDE_CONFIG_DIR:-${HOME:+$HOME/.claude}}
      case $state in
        '') return 1 ;;
        '~/'*) state=$HOME/${state#'~/'} ;;
      esac
      state=$state/akosha
      ;;
  esac
  case $state in /*) ;; *) state=$PWD/$state ;; esac
}

# Shows what the worker has to say; true if events wait that nobody has taken care of.
greet() {
  shown=$state/notice-shown
  # Not ":": where the file cannot be opened, a special builtin would end the shell.
  [ -f "$state/notice.json" ] && cat "$state/notice.json" && [ ! -L "$shown" ] && true >"$shown"
  for file in "$outbox"/*.event "$outbox"/.*.tmp; do
    [ -f "$file" ] && return
  done
  drain
  return 1
}

# A session's stdin is JSON. The list post-rewrite gets is of no use here, and a hook manager may
# have left post-commit a stdin that never ends.
write_event() {
  case $event in
    session-*)
      # Claude Code terminates a hook that takes long, head or cat with it; it is still an event.
      trap 'terminated=yes' HUP INT TERM
      { printf '%s\n%s\n' "$event" "$directory" && take_stdin; } >"$temporary"
      ;;
    *) printf '%s\n%s\n' "$event" "$directory" >"$temporary" ;;
  esac
}

take_stdin() {
  [ -t 0 ] || head -c 1048576
  drain
  return 0
}

# A writer whose reader is gone gets a SIGPIPE.
drain() {
  case $event$terminated in session-end | session-start) [ -t 0 ] || cat >/dev/null ;; esac
}

# In the background, and at last the worker itself.
hand_off() {
  trap '' HUP
  now=$(date +%s)
  mv -f "$temporary" "$outbox/${now:-0}-$$-$event.event"

  # Python's own variables can name code to run, git's a repository.
  IFS=$newline
  set -f
  for line in $(export -p); do
    name=${line%%=*}
    name=${name##* }
    case $name in *[!A-Za-z0-9_]*) ;; GIT_* | PYTHON*) unset "$name" ;; esac
  done
  CLAUDE_CONFIG_DIR=${state%/akosha}
  # Whose environment this is, for the worker to see what a project put into it.
  export CLAUDE_CONFIG_DIR OLDPWD

  IFS= read -r python <"$state/interpreter"
  set -- "$python" -P -m akosha_hook.worker
  case $python in /*) [ -f "$python" ] && [ -x "$python" ] ;; *) false ;; esac ||
    set -- akosha-hook run --worker
  command -v setsid >/dev/null && exec setsid "$@"
  exec "$@"
}

# A git hook of ours sources this file when it exits, which spares a process: it says where the
# file lies, and keeps its own exit status.
script=$0
status=0
case $1 in
  /*)
    script=$1
    status=${akosha_status:-0}
    shift
    ;;
esac
main "$@" 2>/dev/null
exit "$status"
