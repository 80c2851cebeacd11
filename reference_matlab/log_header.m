function log_header(logfile, runDesc, resumeFile, net, hybridmode, numchunks, mattype, decay, c)
% What the log says of a run before its first epoch.

log_line(logfile, '');
log_line(logfile, '');
log_line(logfile, '==================== New Run ====================');
log_line(logfile, '');
log_line(logfile, ['Start time: ' datestr(now, 'dd-mmm-yyyy HH:MM:SS')]);
log_line(logfile, '');
log_line(logfile, ['Description: ' runDesc]);
log_line(logfile, '');
if ~isempty(resumeFile)
    log_line(logfile, ['Resuming from file: ' resumeFile]);
    log_line(logfile, '');
end
log_line(logfile, 'Initial constant values:');
log_line(logfile, '------------------------');
log_line(logfile, '');
log_line(logfile, ['layersizes: ' num2str(net.layersizes)]);
log_line(logfile, ['rms: ' num2str(net.rms)]);
log_line(logfile, ['weightcost: ' num2str(net.weightcost)]);
log_line(logfile, ['hybridmode: ' num2str(hybridmode)]);
log_line(logfile, ['autodamp: ' num2str(c.autodamp)]);
log_line(logfile, ['initlambda: ' num2str(c.initlambda)]);
log_line(logfile, ['drop: ' num2str(c.drop)]);
log_line(logfile, ['boost: ' num2str(c.boost)]);
log_line(logfile, ['numchunks: ' num2str(numchunks)]);
log_line(logfile, ['mattype: ' mattype]);
log_line(logfile, ['errtype: ' net.errtype]);
log_line(logfile, ['decay: ' num2str(decay)]);
log_line(logfile, '');
log_line(logfile, '=================================================');
log_line(logfile, '');
end
