function log_line(logfile, text)
% One line to the screen (ending in LF) and to the log (ending in CR LF, appended).

fprintf('%s\n', text);
fid = fopen(logfile, 'a');
if fid < 0
    error('nnet_train_2:log', 'runName: cannot write the log %s.', logfile);
end
fprintf(fid, '%s\r\n', text);
fclose(fid);
end
