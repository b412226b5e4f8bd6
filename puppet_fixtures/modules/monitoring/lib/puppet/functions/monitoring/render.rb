# frozen_string_literal: true

# Turns the rows of one PuppetDB query into the monitor's configuration, one text for each host.
#
# Whose a resource is says PuppetDB's certname column alone; what its parameters say about that is ignored. What a host exports can so only
# ever end up in the text of that host. A host whose resources break a rule is refused by name: it keeps its address check and gets one
# service, `exported-resources`, which is critical and says why. That way it stays visible, and every other host keeps working.
# Texts depend on the rows as a set: neither their order nor the time matters.
Puppet::Functions.create_function(:'monitoring::render') do
  # @param rows Resources with certname, type, title and parameters.
  # @param addresses Addresses that the lab knows by certname.
  # @param max_objects How many services one host may export.
  # @return The texts by certname under `files`, and the reasons by certname under `refused`.
  dispatch :render do
    param 'Array', :rows
    param 'Hash[String, String]', :addresses
    param 'Integer[1]', :max_objects
    return_type 'Hash'
  end

  def render(rows, addresses, max_objects)
    files = {}
    refused = {}
    @seen = {}
    rows.group_by { |row| row['certname'].to_s }.sort.each do |certname, own|
      unless instance?('Monitoring::Certname', certname)
        # A name that is none cannot become a file; printable() keeps the reason a single line.
        refused[printable(certname)] = 'the certname has characters outside [a-z0-9.-]'
        next
      end
      reason = nil
      begin
        body = text(certname, own, addresses, max_objects)
      rescue ArgumentError => e
        reason = e.message
        body = refusal(certname, own, addresses, reason)
      end
      refused[certname] = reason if reason
      files[certname] = "// #{certname}: what this host's catalog exports, written by monitoring::collector.\n\n#{body}" if body
    end
    { 'files' => files, 'refused' => refused }
  end

  # A host without its host object, which is one that has just been removed or is half stored, is not there.
  def text(certname, rows, addresses, max_objects)
    hosts, services = rows.partition { |row| row['type'] == 'Monitoring::Collected::Host' }
    raise ArgumentError, "#{hosts.size} host objects, expected one" unless hosts.size == 1
    raise ArgumentError, "#{services.size} services, more than #{max_objects}" if services.size > max_objects

    host = hosts[0]['parameters'].slice('address', 'role').merge('host' => certname)
    checked = services.map { |row| service(certname, row['parameters']) }.sort_by { |it| it['service'] }
    twice = checked.flat_map { |it| [it['service'], *(services_renderer.often_name(it) if it['often'])] }.tally.find { |_, count| count > 1 }
    raise ArgumentError, "two services named #{twice[0]}" if twice

    [hosts_renderer.render(valid_host(host), addresses), *checked.map { |it| services_renderer.render(it) }].join("\n")
  end

  def refusal(certname, rows, addresses, reason)
    host = rows.find { |row| row['type'] == 'Monitoring::Collected::Host' }
    own = host ? host['parameters'].slice('address', 'role').merge('host' => certname) : { 'host' => certname }
    own = { 'host' => certname } unless instance?(host_type, own)
    told = {
      'service' => 'exported-resources', 'host' => certname, 'command' => 'dummy', 'runs_on' => 'monitor', 'priority' => 'high',
      'interval_s' => 300, 'retry_s' => 300, 'attempts' => 1,
      'vars' => { 'dummy_state' => 2, 'dummy_text' => "#{certname} is refused: #{reason}" }
    }
    [hosts_renderer.render(own, addresses), services_renderer.render(told)].join("\n")
  end

  def service(certname, parameters)
    found = { 'host' => certname }
    fields.each do |name, type|
      value = parameters[name]
      raise ArgumentError, "service #{printable(parameters['service'].to_s)} has parameters of the wrong type" unless known?(type, value)

      found[name] = value
    end
    found
  end

  def valid_host(host)
    return host if instance?(host_type, host)

    raise ArgumentError, 'host has parameters of the wrong type'
  end

  # Types were checked when the catalog was compiled; what comes back from a database is checked again. A fleet has few different words and
  # numbers, so each is looked at once in a call.
  def known?(type, value)
    return instance?(type, value) unless value.is_a?(String) || value.is_a?(Integer)

    seen = @seen[type] ||= {}
    seen.fetch(value) { seen[value] = instance?(type, value) }
  end

  def instance?(type, value)
    @types ||= {}
    @types[type] ||= Puppet::Pops::Types::TypeParser.singleton.parse(type, closure_scope.compiler ? Puppet.lookup(:loaders).private_environment_loader : nil)
    @types[type].instance?(value)
  end

  # Called directly, not by name: arguments are checked here, and dispatching would check each of them again.
  def hosts_renderer
    @hosts_renderer ||= loader.load(:function, 'monitoring::render_host')
  end

  def services_renderer
    @services_renderer ||= loader.load(:function, 'monitoring::render_service')
  end

  def printable(text)
    text.scrub('?').gsub(/[^ -~]/, '?')[0, 80]
  end

  # What is not there is no value of any type but an optional one: PuppetDB keeps no undef.
  def fields
    {
      'service' => 'Monitoring::Name', 'command' => 'Monitoring::Command', 'runs_on' => 'Monitoring::Runs_on', 'priority' => 'Monitoring::Priority',
      'interval_s' => 'Integer[1, 604800]', 'retry_s' => 'Integer[1, 604800]', 'attempts' => 'Integer[1, 100]', 'vars' => 'Monitoring::Variables',
      'often' => 'Optional[Monitoring::Often]'
    }
  end

  def host_type
    'Struct[{host => Monitoring::Certname, Optional[address] => Optional[Monitoring::Address], Optional[role] => Optional[String[1, 63]]}]'
  end
end
