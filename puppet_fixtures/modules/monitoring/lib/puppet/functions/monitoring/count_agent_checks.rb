# frozen_string_literal: true

# How many checks that the node's own agent runs stand in the catalog so far: those of the classes that were evaluated before the call.
Puppet::Functions.create_function(:'monitoring::count_agent_checks', Puppet::Functions::InternalFunction) do
  dispatch :count do
    scope_param
    return_type 'Integer[0]'
  end

  def count(scope)
    scope.catalog.resources.count { |it| it.type.to_s == 'Monitoring::Check' && it[:runs_on] == 'agent' }
  end
end
