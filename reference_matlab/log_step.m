function log_step(logfile, rho, reductions, rate, lambda)
% How far the step went and what the damping became.

log_line(logfile, ['rho = ' num2str(rho)]);
log_line(logfile, ['Number of reductions : ' num2str(reductions) ', chosen rate: ' num2str(rate)]);
log_line(logfile, ['New lambda: ' num2str(lambda)]);
end
