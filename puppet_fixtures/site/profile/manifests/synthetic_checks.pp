# @summary Checks that stand for nothing: they give a simulated host as many services as a measurement asks for.
#
# Declared and exported like any other check, and run by the host's own agent. Include it after the node's role: what the role's classes declare
# is counted first, and only what is missing is added.
#
# @param pushed
#   How many services the host's agent pushes in all. A host whose role gives it more keeps them.
# @param interval_s
#   Seconds between two results of each.
# @param kinds
#   Names of checks, with what those of that name have in common; `%d` in a variable becomes the check's number.
class profile::synthetic_checks (
  Integer[1, 150] $pushed = lookup('lab::pushed_services'),
  Integer[1, 604800] $interval_s = 60,
  Hash[Pattern[/\A[a-z]{1,20}\z/], Struct[{ command => Monitoring::Command, priority => Monitoring::Priority, vars => Monitoring::Variables }]] $kinds = {
    'unit'    => { 'command' => 'procs', 'priority' => 'high', 'vars' => { 'procs_command' => 'daemon-%d', 'procs_critical' => '1:', 'procs_nokthreads' => true } },
    'port'    => { 'command' => 'tcp', 'priority' => 'medium', 'vars' => { 'tcp_address' => '127.0.0.1', 'tcp_port' => 8080, 'tcp_wtime' => 2, 'tcp_ctime' => 5 } },
    'age'     => { 'command' => 'file_age', 'priority' => 'low', 'vars' => { 'file_age_file' => '/var/lib/service-%d/stamp', 'file_age_warning_time' => 3600, 'file_age_critical_time' => 7200 } },
    'load'    => { 'command' => 'load', 'priority' => 'medium', 'vars' => { 'load_percpu' => true, 'load_wload1' => 4, 'load_cload1' => 8 } },
    'space'   => { 'command' => 'disk', 'priority' => 'high', 'vars' => { 'disk_partitions' => ['/srv/data-%d'], 'disk_wfree' => '15%', 'disk_cfree' => '5%' } },
    'time'    => { 'command' => 'ntp_time', 'priority' => 'low', 'vars' => { 'ntp_address' => '127.0.0.1', 'ntp_warning' => 0.5, 'ntp_critical' => 2 } },
    'swap'    => { 'command' => 'swap', 'priority' => 'low', 'vars' => { 'swap_wfree' => '40%', 'swap_cfree' => '20%' } },
    'http'    => { 'command' => 'http', 'priority' => 'critical', 'vars' => { 'http_address' => '127.0.0.1', 'http_uri' => '/status/%d', 'http_expect_body_regex' => '^(ok|"fine")$' } },
  },
) {
  $missing = max(0, $pushed - monitoring::count_agent_checks())
  $names = keys($kinds)

  $missing.each |$index| {
    $number = $index + 1
    $name = $names[$index % size($names)]
    $kind = $kinds[$name]
    $vars = $kind['vars'].reduce({}) |$all, $pair| {
      $value = $pair[1] ? {
        String  => regsubst($pair[1], '%d', String($number), 'G'),
        Array   => $pair[1].map |$it| { regsubst($it, '%d', String($number), 'G') },
        default => $pair[1],
      }
      $all + { $pair[0] => $value }
    }
    monitoring::check { sprintf('%s-%03d', $name, $number):
      command    => $kind['command'],
      runs_on    => 'agent',
      priority   => $kind['priority'],
      interval_s => $interval_s,
      vars       => $vars,
    }
  }
}
