# @summary Debian packages that a service needs, wherever else they are also wanted.
#
# Two services of one machine may need the same package; on an image the list of its kind has declared them all already.
#
# @param packages
#   Names of Debian packages.
define profile::install (
  Array[Pattern[/\A[a-z0-9][a-z0-9.+-]+\z/]] $packages,
) {
  $packages.each |$name| {
    unless defined(Package[$name]) {
      package { $name:
        ensure          => installed,
        install_options => ['--no-install-recommends'],
      }
    }
  }
}
