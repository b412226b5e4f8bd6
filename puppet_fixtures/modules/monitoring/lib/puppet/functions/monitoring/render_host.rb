# frozen_string_literal: true

# Renders the monitor's objects for one exported host: its endpoint, its zone and the host itself.
Puppet::Functions.create_function(:'monitoring::render_host') do
  # @param host What monitoring::collected::host was given: host, address, role.
  # @param addresses Addresses that the lab knows by certname; they win over what the host says.
  # @return Icinga configuration.
  dispatch :render do
    param 'Struct[{host => Monitoring::Certname, Optional[address] => Optional[Monitoring::Address], Optional[role] => Optional[String[1, 63]]}]', :host
    param 'Hash[String, String]', :addresses
    return_type 'String'
  end

  def render(host, addresses)
    name = quote(host['host'])
    address = addresses[host['host']] || host['address']
    lines = [
      # No replay after a cut: results that came late say nothing about now.
      "object Endpoint #{name} {", '  log_duration = 0', '}', '',
      "object Zone #{name} {", "  endpoints = [ #{name} ]", '  parent = "master"', '}', '',
      "object Host #{name} {", '  import "generic-host"', '  zone = "master"', '  check_command = "hostalive"'
    ]
    lines << "  address = #{quote(address)}" if address
    lines << "  vars.role = #{quote(host['role'])}" if host['role']
    "#{(lines + ['}']).join("\n")}\n"
  end

  # The very function, but called directly: its arguments need no dispatching, and there are ten of them in each object.
  def quote(value)
    @quoter ||= loader.load(:function, 'monitoring::quote')
    @quoter.quote(value)
  end
end
