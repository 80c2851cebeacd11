function hf_fail(number, problem)
% Pass an error on with the epoch it came in.

where = '';
if ~isempty(problem.stack)
    where = sprintf(' (in %s, line %d)', problem.stack(1).name, problem.stack(1).line);
end
error('hf:reference', 'epoch %d: %s%s', number, strrep(problem.message, sprintf('\n'), ' '), where);
end
