function hf_write(request, number, call, out, words, numbers)
% Write the file of one epoch, without records if it was stopped after its CG. Words and numbers were printed after its CG.

result = call;
result.epoch = number;
result.words = words;
result.numbers = numbers;
if isfield(out, 'saved')
    result.log = out.log;
    if isfield(out, 'paramsp')
        result.paramsp_returned = out.paramsp;
    end
    result = hf_records(result, out.saved);
end
save(fullfile(request.results, sprintf('epoch_%04d.mat', number)), '-struct', 'result', '-v7');
if isfield(out, 'saved')
    hf_copy(fullfile(request.results, 'running_now.mat'), fullfile(request.results, 'running.mat'));
end
end
