# @summary The Puppet CA, with policy-based autosigning: who enrols must know the secret made for that very name.
#
# @param certname
#   This machine's certname, under which nodes reach the server.
# @param keylength
#   Bits of the CA's RSA keys, made once at the start. Nodes should make elliptic-curve keys, which cost nothing.
class profile::puppet::ca (
  Stdlib::Fqdn        $certname  = $trusted['certname'],
  Integer[2048, 8192] $keylength = 3072,
) {
  $policy = '/usr/local/sbin/watchpost-enrolment-policy'

  file {
    default:
      owner => 'root',
      group => 'root',
      ;
    $policy:
      ensure => file,
      mode   => '0755',
      source => 'puppet:///modules/profile/puppet/enrolment-policy',
      ;
    '/usr/local/sbin/watchpost-forget-certificates':
      ensure => file,
      mode   => '0755',
      source => 'puppet:///modules/profile/puppet/forget-certificates',
      ;
    '/etc/puppet/puppet.conf':
      ensure  => file,
      mode    => '0644',
      content => epp('profile/puppet/puppet.conf.epp', {
        'certname'  => $certname,
        'keylength' => $keylength,
        'policy'    => $policy,
      }),
      ;
  }

  # Makes root, intermediate and the server's own certificate without starting Java.
  exec { 'puppetserver ca setup':
    command => ['/usr/bin/puppetserver', 'ca', 'setup', '--certname', $certname, '--subject-alt-names', "${certname},puppet"],
    creates => '/etc/puppet/puppetserver/ca/ca_crt.pem',
    require => File['/etc/puppet/puppet.conf', $policy],
  }
}
