function state = hf_beginning(request, start, call)
% START, or where it is [] the state that the trainer began in.

state = start;
if isempty(state)
    state = struct('paramsp', request.arguments{3}, 'ch', zeros(size(call.b), class(call.b)), 'epoch', 0, ...
        'lambda', 0, 'totalpasses', 0, 'llrecord', zeros(0, 2), 'errrecord', zeros(0, 2), ...
        'lambdarecord', zeros(0, 1), 'times', zeros(0, 1));
end
end
