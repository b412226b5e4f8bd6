# @summary nginx: TLS, and a password of its own in front of everything.
#
# @param basic_password
#   Password of the user `watchpost`, asked for before Icinga Web is reached at all.
# @param server_name
#   Name that the certificate holds; browsers are sent here.
class profile::monitor::webserver (
  Sensitive[String[1]] $basic_password = lookup('secrets::basic_auth'),
  Pattern[/\A[a-z0-9.-]+\z/] $server_name = "monitor.${profile::monitor::domain}",
) {
  $budget = $profile::monitor::budget
  $certname = $trusted['certname']
  $puppet = '/var/lib/puppet/ssl'
  $passwords = '/etc/nginx/passwords'

  file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'root',
      mode   => '0600',
      backup => false,
      ;
    # Copies, so that nginx hears of a renewal.
    '/etc/nginx/tls.crt':
      mode   => '0644',
      source => "${puppet}/certs/${certname}.pem",
      notify => Service['nginx'],
      ;
    '/etc/nginx/tls.key':
      show_diff => false,
      source    => "${puppet}/private_keys/${certname}.pem",
      notify    => Service['nginx'],
      ;
    '/etc/nginx/nginx.conf':
      mode    => '0644',
      content => epp('profile/monitor/nginx.conf.epp', {
          'workers'     => $budget['web_workers'],
          'server_name' => $server_name,
          'passwords'   => $passwords,
      }),
      notify  => Service['nginx'],
      ;
    '/usr/local/lib/watchpost/hash-password':
      mode   => '0755',
      source => 'puppet:///modules/profile/monitor/hash-password',
      ;
    "${passwords}.plain":
      show_diff => false,
      content   => $basic_password,
      ;
  }
  -> exec { 'hash the password of the web server':
    command => "/usr/local/lib/watchpost/hash-password watchpost ${passwords}.plain ${passwords} www-data",
    unless  => "/usr/bin/test ${passwords} -nt ${passwords}.plain",
  }
  -> service { 'nginx':
    ensure  => running,
    enable  => true,
    restart => '/usr/bin/systemctl reload-or-restart nginx.service',
  }

  systemd::dropin_file { 'nginx':
    unit     => 'nginx.service',
    filename => 'watchpost.conf',
    content  => epp('profile/monitor/units/nginx.conf.epp', { 'memory_mib' => $budget['web_max_mib'] }),
    before   => Service['nginx'],
  }
}
