# @summary PHP-FPM with the one pool of Icinga Web.
class profile::monitor::php {
  $budget = $profile::monitor::budget

  file { '/etc/php/8.4/fpm/pool.d/www.conf':
    ensure  => file,
    owner   => 'root',
    group   => 'root',
    mode    => '0644',
    content => epp('profile/monitor/php-pool.conf.epp', { 'workers' => $budget['php_workers'] }),
    notify  => Service['php8.4-fpm'],
  }
  profile::monitor::unit { 'php8.4-fpm':
    settings => {
      'MemoryMax'       => "${budget['php_max_mib']}M",
      'PrivateDevices'  => 'yes',
      'PrivateTmp'      => 'yes',
      'ProtectHome'     => 'yes',
      'ProtectSystem'   => 'full',
      'NoNewPrivileges' => 'yes',
      # An upgrade of the web's own settings is Puppet's, not the web's.
      'ReadOnlyPaths'   => '/etc/icingaweb2',
      # Packaged: links for alternatives, which nothing here uses.
      'ExecStartPost'   => '',
      'ExecStopPost'    => '',
    },
    notify   => Service['php8.4-fpm'],
  }
  service { 'php8.4-fpm':
    ensure => running,
    enable => true,
  }
}
