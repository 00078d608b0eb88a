#!/bin/sh
# Makes sure that a Chromium is there for the page's tests; says what to do where it cannot.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium from the system's packages …"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
fi
echo "The page's tests need Chromium: install it (on Debian: apt install chromium) and run again." >&2
exit 1
