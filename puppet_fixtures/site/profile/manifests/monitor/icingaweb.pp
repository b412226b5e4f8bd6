# @summary Icinga Web with Icinga DB Web: shows, and acknowledges problems; strict about where its content comes from.
#
# The pages can read their settings and not change them. Of Icinga's commands they have acknowledging and taking that back: both the
# role of the user and the API user behind it allow no other.
#
# @param database_password
#   Password of its role.
# @param redis_password
#   Password of Valkey.
# @param commands_password
#   Password for Icinga's API.
class profile::monitor::icingaweb (
  Sensitive[String[1]] $database_password = lookup('secrets::icingaweb_db'),
  Sensitive[String[1]] $redis_password = lookup('secrets::redis'),
  Sensitive[String[1]] $commands_password = lookup('secrets::web_commands'),
) {
  $root = '/etc/icingaweb2'

  file {
    default:
      ensure => file,
      owner  => 'root',
      group  => 'icingaweb2',
      mode   => '0640',
      ;
    [$root, "${root}/enabledModules", "${root}/modules", "${root}/modules/icingadb"]:
      ensure => directory,
      mode   => '0750',
      ;
    "${root}/config.ini":
      source => 'puppet:///modules/profile/monitor/icingaweb/config.ini',
      ;
    "${root}/authentication.ini":
      source => 'puppet:///modules/profile/monitor/icingaweb/authentication.ini',
      ;
    "${root}/roles.ini":
      source => 'puppet:///modules/profile/monitor/icingaweb/roles.ini',
      ;
    "${root}/resources.ini":
      show_diff => false,
      backup    => false,
      content   => Sensitive(epp('profile/monitor/icingaweb/resources.ini.epp', { 'password' => $database_password })),
      ;
    "${root}/modules/icingadb/config.ini":
      source => 'puppet:///modules/profile/monitor/icingaweb/icingadb.ini',
      ;
    "${root}/modules/icingadb/redis.ini":
      show_diff => false,
      backup    => false,
      content   => Sensitive(epp('profile/monitor/icingaweb/redis.ini.epp', { 'password' => $redis_password })),
      ;
    "${root}/modules/icingadb/commandtransports.ini":
      show_diff => false,
      backup    => false,
      content   => Sensitive(epp('profile/monitor/icingaweb/commandtransports.ini.epp', { 'password' => $commands_password })),
      ;
    "${root}/enabledModules/icingadb":
      ensure => link,
      target => '/usr/share/icingaweb2/modules/icingadb',
      ;
  }
}
