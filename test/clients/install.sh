#!/usr/bin/env bash
# The P4Runtime clients of others, p4runtime-shell and finsy, that test/clients drives the switch with. Each is
# installed in its own virtual environment below .venv (or the folder in FPISA_TEST_VENVS): they need different
# versions of protobuf. Never fails: what cannot be installed is reported here, and its tests are skipped.
set -uo pipefail
cd "$(dirname "$0")/../.."
venvs="${FPISA_TEST_VENVS:-.venv}"
# Of all downloads of one client; without a network pip would try for minutes.
limit_seconds=240

give_up() {
  echo "$1; the tests that need it will be skipped"
}

# A Python that finsy supports and that can make virtual environments: Debian's own has ensurepip only with python3-venv.
find_python() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2> /dev/null; then
      command -v "$python"
      return
    fi
  done
  return 1
}

python="$(find_python)"
if [ -z "$python" ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv > /dev/null || true
  python="$(find_python)"
fi
if [ -z "$python" ]; then
  give_up "p4runtime-shell and finsy cannot be installed: there is no Python 3.10 or later with venv (Debian: python3-venv)"
  exit 0
fi

for client in p4runtime-shell finsy; do
  module=finsy
  if [ "$client" = p4runtime-shell ]; then module=p4runtime_sh.shell; fi
  venv="$venvs/$client"
  requirements="test/clients/requirements/$client.txt"
  # Copied when all of it is installed.
  if cmp -s "$requirements" "$venv/requirements.txt" && "$venv/bin/python" -c "import $module" 2> /dev/null; then continue; fi
  rm -rf "$venv"
  if "$python" -m venv "$venv" &&
    timeout "$limit_seconds" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --retries 1 --timeout 30 --only-binary :all: -r "$requirements" &&
    "$venv/bin/python" -c "import $module"; then
    cp "$requirements" "$venv/requirements.txt"
  else
    rm -rf "$venv"
    give_up "$client cannot be installed"
  fi
done
