# @summary Where services keep their certificates.
class profile::certificate_directory {
  profile::install { 'certificates':
    packages => ['openssl'],
  }
  file { '/etc/ssl/site':
    ensure => directory,
    owner  => 'root',
    group  => 'root',
    mode   => '0755',
  }
}
