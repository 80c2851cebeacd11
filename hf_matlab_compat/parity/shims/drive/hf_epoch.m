function after = hf_epoch(request, start, stop)
% Run one epoch from the state START ([]: the trainer's own start) and write it to the results.
%
%   stop    'after CG' to end there, else 'never'
%   after   the state after the epoch; [] if it was stopped

number = 1;
if ~isempty(start)
    number = double(start.epoch) + 1;
end
try
    out = hf_call(request, start, number, stop);
    call = out.calls{end};
    still = hf_beginning(request, start, call);
    still.lambda = 0;
    undamped = hf_call(request, still, number, 'before CG');
    call.products_undamped = undamped.calls{end}.products;
    after = hf_left(request, start, number, call, out);
catch problem
    hf_fail(request, number, problem);
end
after_cg = call.printed+1:numel(out.numbers);
hf_write(request, number, call, out, out.words(after_cg), out.numbers(after_cg));
end


function after = hf_left(request, start, number, call, out)
% Return the state after an epoch; [] if it was stopped.
after = [];
if isfield(out, 'saved')
    after = hf_made_whole(out.saved, start, number, call);
    after.paramsp = cast(out.paramsp, request.precision);
    after.ch = call.last;
    % one row more than epochs: otherwise the times, which trainers index linearly, would grow as a row
    after.times = [reshape(after.times(1:number), [], 1); 0];
end
end


function state = hf_made_whole(state, start, number, call)
% Add variables that a run needs to go on and the trainer did not save; their absence is judged by its own file.
known = struct('epoch', number, 'totalpasses', call.is(end), 'times', zeros(number, 1));
if ~isempty(start)
    known.totalpasses = known.totalpasses + start.totalpasses;
end
if isfield(state, 'lambdarecord') && numel(state.lambdarecord) >= number
    known.lambda = state.lambdarecord(number);
end
names = fieldnames(known);
for k = 1:numel(names)
    if ~isfield(state, names{k})
        state.(names{k}) = known.(names{k});
    end
end
end
