#!/usr/bin/env bash
# What test/clients drives the switch with: the P4Runtime clients of others, p4runtime-shell and finsy, and the libraries
# of our own clients in Go, Java and Rust, which the tests then build without a network. Each of the former is
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

# What a lock file in test/clients/LANGUAGE names, by that language's package manager.
fetch() {
  local language="$1" tool="$2" lock="test/clients/$1/$3"
  local fetched="test/clients/$1/target/fetched"
  shift 3
  if ! command -v "$tool" > /dev/null; then
    give_up "the client in $language cannot be built: there is no $tool on the path"
    return
  fi
  # Copied when all of it is there.
  if cmp -s "$lock" "$fetched"; then return; fi
  if (cd "test/clients/$language" && timeout "$limit_seconds" "$@"); then
    mkdir -p "${fetched%/*}"
    cp "$lock" "$fetched"
  else
    give_up "the libraries of the client in $language cannot be fetched, or need newer tools"
  fi
}
GOTOOLCHAIN=local fetch go go go.sum go mod download
# Compiles, too: which programs its steps need, Maven finds out only by running them.
fetch java mvn pom.xml mvn --batch-mode --quiet compile
fetch rust cargo Cargo.lock cargo fetch --quiet --locked

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
