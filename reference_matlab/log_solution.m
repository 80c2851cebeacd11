function log_solution(logfile, iterses, totalpasses, ch, j)
% What CG found (ch is its last iterate) and which recorded iterate j was chosen.

log_line(logfile, ['CG steps used: ' num2str(iterses(end)) ', total is: ' num2str(totalpasses)]);
log_line(logfile, ['ch magnitude : ' num2str(norm(ch))]);
log_line(logfile, ['Chose iters : ' num2str(iterses(j))]);
end
