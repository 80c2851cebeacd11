function hf_write(request, number, call, out, words, numbers)
% One epoch's file in the results; words and numbers are those printed after its CG.

result = call;
result.epoch = number;
result.words = words;
result.numbers = numbers;
result.log = out.log;
result.paramsp_returned = out.paramsp;
saved = out.saved;
result.llrecord = saved.llrecord;
result.errrecord = saved.errrecord;
result.lambdarecord = saved.lambdarecord;
save(fullfile(request.results, sprintf('epoch_%04d.mat', number)), '-struct', 'result', '-v7');
end
