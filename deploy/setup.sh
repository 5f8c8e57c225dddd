#!/usr/bin/env bash
# Sets up what the make targets need: .venv with the locked dependencies; with --java, Java and Maven; with
# --prometheus, promtool and Prometheus.
# Says plainly what is missing; installs Debian packages only when it is root.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

install_package() { # what it gives, package
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "setup: installing $2 for $1"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" >/dev/null
  else
    say "setup: $1 is missing. Install it (Debian, Ubuntu: sudo apt-get install $2) and try again."
    say "setup: without Java and Maven, 'make replay' and 'make check' still work: they need no broker."
    exit 1
  fi
}

if [ "${1:-}" = --java ]; then
  command -v java >/dev/null || install_package "Java 17 or later" openjdk-17-jre-headless
  command -v mvn >/dev/null || install_package Maven maven
  exit 0
fi

if [ "${1:-}" = --prometheus ]; then
  # promtool and prometheus for the tests of rules and dashboards. Unpacked, not installed: a service would start.
  [ -x .venv/bin/promtool ] && exit 0
  if command -v promtool >/dev/null && command -v prometheus >/dev/null; then exit 0; fi
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  fetch() { (cd "$folder" && apt-get download -qq prometheus >/dev/null 2>&1); }
  if command -v apt-get >/dev/null && { fetch || { [ "$(id -u)" = 0 ] && apt-get update -qq && fetch; }; }; then
    dpkg -x "$folder"/prometheus_*.deb "$folder/unpacked"
    cp "$folder/unpacked/usr/bin/promtool" "$folder/unpacked/usr/bin/prometheus" .venv/bin/
  else
    say "setup: promtool is missing (Debian, Ubuntu: sudo apt-get install prometheus); its tests are skipped"
  fi
  exit 0
fi

python=${PYTHON:-python3}
command -v "$python" >/dev/null || { say "setup: Python 3.11, 3.12 or 3.13 is missing; name one with PYTHON=python3.12"; exit 1; }
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || {
  say "setup: $("$python" --version) is not supported: wanted 3.11, 3.12 or 3.13; name one with PYTHON=python3.12"
  exit 1
}
"$python" -c 'import ensurepip, venv' 2>/dev/null || install_package "Python's venv module" python3-venv
[ -x .venv/bin/python ] || "$python" -m venv .venv
say "setup: installing the locked dependencies into .venv (a minute on a fresh machine)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
touch .venv/.complete
