#!/bin/sh
# >>> akosha-hook (uploads Session-Buddy's memories; akosha-hook uninstall removes this)
akosha=@SCRIPT@
akosha_directory=$PWD
akosha_argument=$1
# At exit, so that whatever others add to this file still runs, and without a process of its own.
trap 'akosha_status=$?
[ ! -r "$akosha" ] || {
  cd "$akosha_directory"
  set -- "$akosha" @EVENT@ ${akosha_argument:+"$akosha_argument"}
  . "$akosha"
}' EXIT
# <<< akosha-hook
