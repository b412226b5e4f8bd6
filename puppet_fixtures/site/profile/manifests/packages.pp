# @summary The Debian packages of a kind of machine, as the image has them.
#
# The names live in Hiera alone: the image is built from the same lists. On an image nothing is left to install.
#
# @param kind
#   Kind of machine; `packages::KIND` lists what it has besides `packages::base`.
class profile::packages (
  Pattern[/\A[a-z][a-z0-9_]*\z/] $kind,
) {
  $names = lookup('packages::base', Array[String[1]]) + lookup("packages::${kind}", Array[String[1]])
  package { unique($names):
    ensure          => installed,
    install_options => ['--no-install-recommends'],
  }
}
