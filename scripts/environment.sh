# Sourced by scripts/demo, test and bench: makes .venv and what it needs, once; later calls only compare a stamp.
# shellcheck shell=bash
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '\033[2m%s\033[0m\n' "set-up: $*" >&2; }
die() { printf 'set-up: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else die "this needs root: $*"
    fi
}

# Debian packages, only where absent: $1 says what for, the rest are their names.
apt_install() {
    local purpose=$1
    shift
    command -v apt-get >/dev/null || die "$purpose is missing and there is no apt-get: install what Debian calls $*"
    say "installing Debian packages for $purpose: $*"
    quietly as_root apt-get -qq update
    quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "$@"
}

# What a command says matters only when it fails.
quietly() {
    local said
    said=$("$@" 2>&1 < /dev/null) || die "$* failed: $said"
}

# Debian's own Python, which is what kiosks run, where it will do; else the first in PATH. A home-made one is a tenth slower.
choose_python() {
    local debian=/usr/bin/python3
    if "$debian" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$debian
    else
        python=python3
    fi
}

has_library() { /sbin/ldconfig -p | grep -q "$1"; }

install_debian_packages() {
    local missing=()
    has_library 'libGL\.so\.1' || missing+=(libgl1)
    has_library 'libEGL\.so\.1' || missing+=(libegl1)
    [ ${#missing[@]} = 0 ] || apt_install "drawing without a graphics card" "${missing[@]}"
    command -v python3 >/dev/null || apt_install "Python" python3 python3-venv
    choose_python
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install "virtual environments" python3-venv
}

# All that decides what .venv holds: a change of any of it makes the set-up run again.
stamp() {
    { cat setup.cfg pyproject.toml constraints.txt scripts/environment.sh; "$python" --version; pwd; } | sha256sum
}

install_python_packages() {
    local fresh
    fresh=$(stamp)
    [ -f .venv/stamp ] && [ "$(cat .venv/stamp)" = "$fresh" ] && return
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed, found $("$python" --version)"
    if [ ! -x .venv/bin/python ]; then
        say "making .venv"
        "$python" -m venv --clear .venv
    fi
    say "installing the Python packages of setup.cfg into .venv, in the versions of constraints.txt"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --constraint constraints.txt --editable '.[escpos,import,ui,test]' >&2
    printf '%s\n' "$fresh" > .venv/stamp
}

# For the one script that needs more: $1 is an extra of setup.cfg, $2 the module that shows whether it is there.
install_extra() {
    .venv/bin/python -c "import $2" 2>/dev/null && return
    say "installing what the extra '$1' of setup.cfg names"
    (
        exec 9> .setup-lock
        flock 9
        .venv/bin/python -m pip install --quiet --disable-pip-version-check \
            --constraint constraints.txt --editable ".[$1]" >&2
    )
}

# For scripts/test: tests/recorder compiles a library of its own.
install_compiler() {
    command -v gcc >/dev/null && [ -f /usr/include/dlfcn.h ] && return
    (
        exec 9> .setup-lock
        flock 9
        apt_install "a C compiler" gcc libc6-dev
    )
}

(
    cd "$root"
    exec 9> .setup-lock
    flock 9 # two calls at once wait for each other
    install_debian_packages
    install_python_packages
)
