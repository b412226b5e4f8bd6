# frozen_string_literal: true

# Renders the monitor's object for one exported check.
#
# The object lives in the master's zone, also where the agent runs the check: in its own zone the agent could acknowledge, silence and
# reschedule. With command_endpoint it may send check results, and nothing else. The monitor never executes such a check; its
# check_interval is the time after which silence shows as UNKNOWN.
#
# A check with `often` gets a second object, which asks the history how many failures there were; one answer above the limit is enough.
Puppet::Functions.create_function(:'monitoring::render_service') do
  # The templates are the monitor's own; they hold what all objects have in common.
  #
  # @param service What monitoring::collected::service was given.
  # @return Icinga configuration.
  dispatch :render do
    param 'Hash[String, Any]', :service
    return_type 'String'
  end

  def render(service)
    passive = service['runs_on'] == 'agent'
    lines = [
      "object Service #{quote(service['service'])} {",
      '  import "generic-service"',
      "  host_name = #{quote(service['host'])}",
      '  zone = "master"'
    ]
    lines += passive ? passive_lines(service) : active_lines(service)
    lines << "  max_check_attempts = #{quote(service['attempts'])}"
    lines << "  vars.priority = #{quote(service['priority'])}"
    lines << "  vars.runs_on = #{quote(service['runs_on'])}"
    # An agent-run check's own variables stay on the agent: here they would only be something to leak.
    lines += variables(service['vars']) unless passive
    texts = ["#{(lines + ['}']).join("\n")}\n"]
    texts << often(service) if service['often']
    texts.join("\n")
  end

  def often_name(service)
    "#{service['service']}-often"
  end

  def often(service)
    lines = [
      "object Service #{quote(often_name(service))} {",
      '  import "generic-service"',
      "  host_name = #{quote(service['host'])}",
      '  zone = "master"',
      '  check_command = "failure_frequency"',
      '  check_interval = 60',
      '  retry_interval = 60',
      '  max_check_attempts = 1',
      "  vars.priority = #{quote(service['priority'])}",
      '  vars.runs_on = "monitor"',
      "  vars.failure_frequency_service = #{quote(service['service'])}"
    ]
    lines += service['often'].sort.map { |name, value| "  vars.failure_frequency_#{name} = #{quote(value)}" }
    "#{(lines + ['}']).join("\n")}\n"
  end

  def passive_lines(service)
    # Two and a half intervals: one result may be late or lost without an alarm.
    silence = ((service['interval_s'] * 5) + 1) / 2
    [
      '  check_command = "passive-only"',
      "  command_endpoint = #{quote(service['host'])}",
      "  check_interval = #{quote(silence)}",
      "  retry_interval = #{quote(silence)}",
      "  vars.command = #{quote(service['command'])}"
    ]
  end

  def active_lines(service)
    [
      "  check_command = #{quote(service['command'])}",
      "  check_interval = #{quote(service['interval_s'])}",
      "  retry_interval = #{quote(service['retry_s'])}"
    ]
  end

  def variables(vars)
    (vars || {}).sort.map { |name, value| "  vars.#{name} = #{quote(value)}" }
  end

  # The very function, but called directly: its arguments need no dispatching, and there are ten of them in each object.
  def quote(value)
    @quoter ||= loader.load(:function, 'monitoring::quote')
    @quoter.quote(value)
  end
end
