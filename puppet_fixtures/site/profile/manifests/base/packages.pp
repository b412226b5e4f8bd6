# @summary The site's usual packages, besides those of the image.
#
# @param wanted
#   Packages that every machine has.
# @param unwanted
#   Packages that no machine has.
class profile::base::packages (
  Array[String[1]] $wanted,
  Array[String[1]] $unwanted,
) {
  profile::install { 'base':
    packages => unique(lookup('packages::base', Array[String[1]]) + $wanted),
  }

  package { $unwanted:
    ensure => absent,
  }
}
