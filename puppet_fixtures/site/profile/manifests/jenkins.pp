# @summary The build server behind HTTPS: nobody without an account sees anything.
#
# Debian has no Jenkins: `jenkins-mock` answers on the same port in the same way, 403 to anonymous requests and 200 to those who log in.
class profile::jenkins {
  file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'root',
      notify => Service['jenkins-mock'],
      ;
    '/usr/local/sbin/jenkins-mock':
      mode   => '0755',
      source => 'puppet:///modules/profile/jenkins/jenkins-mock',
      ;
    '/etc/jenkins-mock.json':
      mode    => '0644',
      content => "{\"port\": 8080}\n",
      ;
  }

  systemd::unit_file { 'jenkins-mock.service':
    source => 'puppet:///modules/profile/jenkins/jenkins-mock.service',
  }
  ~> service { 'jenkins-mock':
    ensure => running,
    enable => true,
  }

  profile::vhost { 'jenkins':
    server_names => profile::server_names('jenkins'),
    tls          => true,
    upstream     => 8080,
  }

  # 401 or 403 is what has to come: 200 would mean that anybody may look, or build.
  monitoring::check { 'jenkins':
    command    => 'http',
    runs_on    => 'monitor',
    priority   => 'critical',
    interval_s => 60,
    retry_s    => 30,
    vars       => {
      'http_vhost'   => $trusted['certname'],
      'http_ssl'     => true,
      'http_sni'     => true,
      'http_expect'  => '401,403',
      'http_timeout' => 20,
    },
  }

  monitoring::check { 'jenkins-certificate':
    command    => 'http',
    runs_on    => 'monitor',
    priority   => 'medium',
    interval_s => 3600,
    retry_s    => 300,
    vars       => {
      'http_vhost'       => $trusted['certname'],
      'http_ssl'         => true,
      'http_sni'         => true,
      'http_certificate' => '30,14',
      'http_timeout'     => 20,
    },
  }
}
