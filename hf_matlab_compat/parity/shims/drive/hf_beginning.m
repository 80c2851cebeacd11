function state = hf_beginning(request, start, call)
% Return START, or if it is [] the state in which the trainer began.

state = start;
if isempty(state)
    state = struct('paramsp', request.arguments{3}, 'ch', zeros(size(call.b), class(call.b)), 'epoch', 0, ...
        'lambda', 0, 'totalpasses', 0, 'llrecord', zeros(0, 2), 'errrecord', zeros(0, 2), ...
        'lambdarecord', zeros(0, 1), 'times', zeros(0, 1));
end
end
