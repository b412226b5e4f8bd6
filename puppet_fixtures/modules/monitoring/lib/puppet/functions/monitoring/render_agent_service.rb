# frozen_string_literal: true

# Renders the agent's own object for one check that its node declares with `runs_on => 'agent'`.
Puppet::Functions.create_function(:'monitoring::render_agent_service') do
  # @param service The parameters that the node's monitoring::check also exports.
  # @return Icinga configuration.
  dispatch :render do
    param 'Hash[String, Any]', :service
    return_type 'String'
  end

  def render(service)
    lines = [
      "object Service #{quote(service['service'])} {",
      "  host_name = #{quote(service['host'])}",
      "  check_command = #{quote(service['command'])}",
      "  check_interval = #{quote(service['interval_s'])}",
      "  retry_interval = #{quote(service['retry_s'])}",
      "  max_check_attempts = #{quote(service['attempts'])}"
    ]
    lines += service['vars'].sort.map { |name, value| "  vars.#{name} = #{quote(value)}" }
    "#{(lines + ['}']).join("\n")}\n"
  end

  def quote(value)
    call_function('monitoring::quote', value)
  end
end
