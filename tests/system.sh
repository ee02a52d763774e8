#!/bin/sh
# Chromium and PostgreSQL, for the tests that drive a browser or a database: installed where this is Debian and we may. What cannot be
# installed is said; its tests are skipped with that reason.
want=""
found=""
for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
  command -v "$name" >/dev/null 2>&1 && found="$name"
done
[ -n "$found" ] || want="$want chromium"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || want="$want postgresql"
[ -n "$want" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Not installed here:$want (their tests are skipped; on Debian: apt-get install$want)"
  exit 0
fi
for try in 1 2 3; do
  if apt-get update -qq >/dev/null 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $want >/dev/null 2>&1; then
    exit 0
  fi
  sleep 5
done
echo "Could not be installed:$want (their tests are skipped)"
