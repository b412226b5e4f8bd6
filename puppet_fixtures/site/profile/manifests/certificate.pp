# @summary A self-signed certificate of a service, made on the machine: the key never leaves it.
#
# @param owner
#   Account that reads the key.
define profile::certificate (
  String[1] $owner = 'root',
) {
  # The fleet offers the services of many names.
  $name_covered = lookup('role') ? {
    'fleet' => "*.${lookup('lab::domain')}",
    default => $trusted['certname'],
  }
  $key = "/etc/ssl/site/${title}.key"
  $certificate = "/etc/ssl/site/${title}.pem"

  include profile::certificate_directory

  exec { "make the certificate of ${title}":
    command => [
      '/usr/bin/openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '825',
      '-subj', "/CN=${name_covered}", '-addext', "subjectAltName=DNS:${name_covered}", '-keyout', $key, '-out', $certificate,
    ],
    umask   => '0077',
    creates => $certificate,
    require => [File['/etc/ssl/site'], Package['openssl']],
  }
  -> file {
    $key:
      ensure => file,
      owner  => $owner,
      group  => 'root',
      mode   => '0400',
      ;
    $certificate:
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0644',
      ;
  }
}
