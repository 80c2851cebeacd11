function text = hf_words(number, problem)
% What went wrong in an epoch, on one line.

where = '';
if ~isempty(problem.stack)
    where = sprintf(' (in %s, line %d)', problem.stack(1).name, problem.stack(1).line);
end
text = sprintf('epoch %d: %s%s', number, strrep(problem.message, sprintf('\n'), ' '), where);
end
