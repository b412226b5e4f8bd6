# @summary Adds settings to a packaged systemd unit, in a drop-in of our own.
#
# @param settings
#   Lines of `[Service]` by name; an array gives one line for each value. Order is kept, so that a review reads it as written.
# @param unit_settings
#   Lines of `[Unit]`.
define profile::monitor::unit (
  Hash[String[1], Variant[String, Integer, Array[String]]] $settings,
  Hash[String[1], Variant[String, Integer, Array[String]]] $unit_settings = {},
) {
  $directory = "/etc/systemd/system/${title}.service.d"
  file {
    default:
      owner => 'root',
      group => 'root',
      ;
    $directory:
      ensure => directory,
      mode   => '0755',
      ;
    "${directory}/watchpost.conf":
      ensure  => file,
      mode    => '0644',
      content => epp('profile/monitor/unit.epp', { 'unit_settings' => $unit_settings, 'settings' => $settings }),
      ;
  }
}
