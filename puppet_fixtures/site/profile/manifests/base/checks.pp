# @summary The checks of all systems. That a machine is up says the host's own check.
#
# @param disk
#   Thresholds of bytes and inodes left free, in percent.
# @param disk_vars
#   Other variables of the check of disks, where a machine's file systems are unusual.
# @param memory
#   Thresholds of memory available, in percent.
# @param puppet_max_age_s
#   Seconds after which a Puppet run is too long ago: warning, critical.
# @param apt_max_age_s
#   Seconds after which an update of the package lists is too long ago: warning, critical.
class profile::base::checks (
  Struct[{ warning => Integer[1, 99], critical => Integer[1, 99] }] $disk = { 'warning' => 20, 'critical' => 10 },
  Monitoring::Variables $disk_vars = {},
  Struct[{ warning => Integer[1, 99], critical => Integer[1, 99] }] $memory = { 'warning' => 15, 'critical' => 7 },
  Tuple[Integer[1], Integer[1]] $puppet_max_age_s = [7200, 14400],
  Tuple[Integer[1], Integer[1]] $apt_max_age_s = [129600, 259200],
) {
  include monitoring

  # Answers as soon as the agent's connection is gone, and names the cause of everything that then goes stale.
  monitoring::check { 'agent':
    command  => 'cluster-zone',
    runs_on  => 'monitor',
    priority => 'high',
    vars     => { 'cluster_zone' => $trusted['certname'] },
  }

  monitoring::check { 'disk':
    command    => 'disk',
    runs_on    => 'agent',
    priority   => 'high',
    interval_s => 300,
    retry_s    => 60,
    vars       => {
      'disk_wfree'       => "${disk['warning']}%",
      'disk_cfree'       => "${disk['critical']}%",
      'disk_inode_wfree' => "${disk['warning']}%",
      'disk_inode_cfree' => "${disk['critical']}%",
      'disk_local'       => true,
    } + $disk_vars,
  }

  monitoring::check { 'memory':
    command    => 'memory',
    runs_on    => 'agent',
    priority   => 'high',
    interval_s => 60,
    retry_s    => 30,
    attempts   => 5,
    vars       => { 'memory_warning' => "${memory['warning']}%:", 'memory_critical' => "${memory['critical']}%:" },
  }

  monitoring::check { 'puppet':
    command    => 'puppet_run',
    runs_on    => 'agent',
    priority   => 'medium',
    interval_s => 300,
    retry_s    => 60,
    vars       => { 'puppet_run_warning_s' => $puppet_max_age_s[0], 'puppet_run_critical_s' => $puppet_max_age_s[1] },
  }

  monitoring::check { 'apt':
    command    => 'apt_fresh',
    runs_on    => 'agent',
    priority   => 'medium',
    interval_s => 600,
    retry_s    => 120,
    vars       => { 'apt_fresh_warning_s' => $apt_max_age_s[0], 'apt_fresh_critical_s' => $apt_max_age_s[1] },
  }

  # How long booting took says nothing about whether the system runs.
  monitoring::check { 'systemd':
    command    => 'systemd_units',
    runs_on    => 'agent',
    priority   => 'medium',
    interval_s => 120,
    retry_s    => 60,
  }
}
