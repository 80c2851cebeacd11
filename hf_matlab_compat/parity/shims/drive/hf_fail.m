function hf_fail(request, number, problem)
% Pass an error on with its epoch, and record where the trainer stopped in results/stopped.mat.

stopped = struct('epoch', number, 'nothing_recorded', 0);
tape = hf_tape('read');
if ~isempty(tape.calls) && isfield(tape.calls{end}, 'is')
    % conjgrad_1 returned no iterate, and the trainer takes the last one
    stopped.nothing_recorded = double(isempty(tape.calls{end}.is));
end
save(fullfile(request.results, 'stopped.mat'), '-struct', 'stopped', '-v7');
error('hf:reference', '%s', hf_words(number, problem));
end
